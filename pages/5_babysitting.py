"""The chapter on babysitting."""

from core.charts import load_charts
from core.experiments import load_chapter
from pages.common.frame import show_chapter

show_chapter("babysitting", load_chapter("babysitting"), load_charts("babysitting"))
