"""The chapter on activations."""

from core.charts import load_charts
from core.experiments import load_chapter
from pages.common.frame import show_chapter

show_chapter("activations", load_chapter("activations"), load_charts("activations"))
