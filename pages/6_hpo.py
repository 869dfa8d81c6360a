"""The chapter on the search for hyper-parameters."""

from pages.common.frame import show_chapter

show_chapter("hpo")
