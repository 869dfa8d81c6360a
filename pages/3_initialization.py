"""The chapter on initialization."""

from core.charts import load_charts
from core.experiments import load_chapter
from pages.common.frame import show_chapter

show_chapter("initialization", load_chapter("initialization"), load_charts("initialization"))
