"""A run of one's own on the live page: in a fold, drawn and read by the doctor, and removed."""

from core.lab.log import read_log
from pages.common.text import words

OVERFIT = "epoch,loss,acc,val_acc\n" + "\n".join(f"{e},{2 / e},{e / 9},.5" for e in range(1, 10))
TEXT = words("log")


def test_a_log_is_drawn_and_read_by_the_doctor(open_link):
    app = open_link("babysitting", "experiment=live&answer=shown&view=curves")
    charts = len(app.get("vega_lite_chart"))
    assert TEXT["title"] in [fold.label for fold in app.expander]
    app.session_state["log"] = read_log("mine.csv", OVERFIT.encode())
    app.session_state["babysitting/live:log"] = True  # open
    app.run()
    texts = " ".join(markdown.value for markdown in app.markdown)
    assert not app.exception and len(app.get("vega_lite_chart")) == charts + 1
    assert "mine.csv" in texts and "Overfitting" in texts and TEXT["lacks"] in texts
    assert "number of classes is not known" in texts
    app.number_input[0].set_value(10).run()
    assert "number of classes" not in " ".join(markdown.value for markdown in app.markdown)
    next(button for button in app.button if button.label == TEXT["remove"]).click().run()
    assert "log" not in app.session_state and len(app.get("vega_lite_chart")) == charts
