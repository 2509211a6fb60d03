"""The checkpoint of a lesson: five questions from its pool, live or listed."""

import html

from kit.course.checkpoint import draw
from kit.course.ledger import current
from kit.course.report import PASS_SHARE
from kit.errors import KitError
from kit.explorers.fields import number_field, read_number
from kit.frontend import live
from kit.views.html import Html, details


def checkpoint(lesson_number, seed=None, count=5):
    """Ask `count` questions of the lesson's pool; 70 % right passes, and the report keeps it.

    Live, each answer is marked at once with its explanation. Executed by a program, the
    questions are listed with their answers folded.
    """
    questions = draw(lesson_number, seed, count)
    return _live(questions) if live() else _listed(questions)


def _listed(questions):
    parts, text = [], []
    for number, q in enumerate(questions, 1):
        options = "".join(f"<li>{html.escape(o)}</li>" for o in q.options)
        answer = html.escape(f"{q.shown_answer}. {q.explanation}")
        parts.append(f"<p><b>{number}.</b> {html.escape(q.text)}</p><ul>{options}</ul>")
        parts.append(details("answer", f"<p>{answer}</p>"))
        text.append(f"{number}. {q.text}")
    return Html("".join(parts), "\n".join(text))


def _live(questions):
    import ipywidgets as w

    ledger, marks = current(), {}
    score = w.HTML("The first answer to each question counts.")
    state = ledger.data["checkpoint"]
    state.setdefault("best", None)

    def mark(question, given):
        marks.setdefault(question.id, question.is_right(given))  # the first answer counts
        done, right = len(marks) == len(questions), sum(marks.values())
        if done and (state["best"] is None or right > state["best"][0]):
            state["best"] = [right, len(questions)]
        ledger.save()
        score.value = _verdict(right, len(marks), len(questions))

    return w.VBox([*(_one(i, q, mark) for i, q in enumerate(questions, 1)), score])


def _one(number, question, mark):
    import ipywidgets as w

    text = w.HTML(f"<b>{number}.</b> {html.escape(question.text)}")
    if question.options:
        field = w.RadioButtons(options=list(question.options), value=None, layout={"width": "95%"})
    else:
        field = number_field(f"answer ({question.unit})" if question.unit else "answer")
    button, note = w.Button(description="Check"), w.HTML()

    def check(_):
        try:
            given = field.value if question.options else read_number(field.value)
        except KitError as error:
            note.value = html.escape(str(error))
            return
        if given is None:
            note.value = "Choose an answer first."
            return
        mark(question, given)
        field.disabled = button.disabled = True
        note.value = _feedback(question, given)

    button.on_click(check)
    return w.VBox([text, field, w.HBox([button, note])], layout={"margin": "0 0 12px 0"})


def _feedback(question, given):
    if question.is_right(given):
        return f"<b>Right.</b> {html.escape(question.explanation)}"
    return (
        f"<b>Not right. The answer is: {html.escape(str(question.shown_answer))}.</b> "
        f"{html.escape(question.explanation)} Read again: {html.escape(question.section)}."
    )


def _verdict(right, answered, asked):
    if answered < asked:
        return f"{answered} of {asked} answered."
    word = "passed" if right >= PASS_SHARE * asked else "not passed; run this cell again for others"
    return f"<b>{right} of {asked} right: {word}.</b>"
