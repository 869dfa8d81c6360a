"""The chapter on initialization."""

from pages.common.frame import show_chapter

show_chapter("initialization")
