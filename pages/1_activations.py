"""The chapter on activations."""

from pages.common.frame import show_chapter

show_chapter("activations")
