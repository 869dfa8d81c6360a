"""The chapter on preprocessing."""

from pages.common.frame import show_chapter

show_chapter("preprocessing")
