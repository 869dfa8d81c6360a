"""The chapter on batch normalization."""

from pages.common.frame import show_chapter

show_chapter("batchnorm")
