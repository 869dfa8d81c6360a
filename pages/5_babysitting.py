"""The chapter on babysitting."""

from pages.common.frame import show_chapter

show_chapter("babysitting")
