// The labeler in the browser: plays a clip, takes a key as its label, measures the time between.
// State that must outlive this page is in model.answers; see Panel in labeler.py.

const GAP_MS = 250; // from a label to the next clip: a key hit twice labels one clip

function make(parent, tag, className = "") {
  const node = document.createElement(tag);
  node.className = className;
  parent.appendChild(node);
  return node;
}

function button(parent, name, key, act, focus) {
  const node = make(parent, "button");
  node.type = "button";
  node.onclick = (event) => {
    if (node.getAttribute("aria-disabled") !== "true") act(event.timeStamp);
    if (event.detail) focus(); // by mouse: the next key is for the task, not for this button
  };
  write(node, name, key);
  return node;
}

function write(node, name, key) {
  node.textContent = name;
  if (key === name) node.className = "kit-bare";
  else {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    cap.setAttribute("aria-hidden", "true");
    node.prepend(cap);
  }
  node.setAttribute("aria-label", name);
  node.title = `${name} (key ${key})`;
}

const off = (node, yes) => node.setAttribute("aria-disabled", String(yes));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function closing(answers, total) {
  const skipped = answers.filter((a) => a.label === null).length;
  const times = answers.map((a) => a.seconds).filter((s) => s !== null);
  return (
    `${answers.length - skipped} of ${total} clips labelled` +
    (skipped ? `, ${skipped} skipped` : "") +
    (times.length ? `; median ${median(times).toFixed(1)} s a clip.` : ".")
  );
}

// One player for all clips: some browsers let a script go on only with one that a person started.
function player(sounds, onBegin, onFault) {
  const audio = new Audio();
  let url = null;
  audio.onplaying = onBegin;
  const stop = () => {
    audio.pause();
    if (url) URL.revokeObjectURL(url);
    url = null;
  };
  const begin = () => {
    audio.currentTime = 0;
    audio.play().catch((error) => {
      if (error.name !== "AbortError") onFault(error); // aborted: the next clip has begun
    });
  };
  const load = (place) => {
    stop();
    url = URL.createObjectURL(new Blob([sounds[place]], { type: "audio/wav" }));
    audio.src = url;
    begin();
  };
  return { load, again: begin, stop };
}

function render({ model, el }) {
  const words = model.get("words");
  const keys = model.get("hotkeys");
  const skips = model.get("skips");
  const captions = model.get("captions");
  const total = model.get("sounds").length;
  const heard = new Map(); // place -> {seconds, replays} of the visits so far
  let started = false;
  let place = null; // of the clip that waits for its label; null before the start and at the end
  let began = null; // ms, when this visit's clip was first heard
  let timer = null; // runs in the gap between two clips
  let fault = "";

  const answerOf = (p) => model.get("answers").find((a) => a.clip === p);
  const open = () => [...Array(total).keys()].find((p) => !answerOf(p));

  const sound = player(
    model.get("sounds"),
    () => {
      began ??= performance.now();
      fault = "";
      draw();
    },
    (error) => {
      fault = `The clip cannot be played: ${error.message} Play it again, or skip it.`;
      draw();
    },
  );

  // --- what keys and buttons do -------------------------------------------------------------
  const enter = (p) => {
    clearTimeout(timer);
    timer = began = null;
    fault = "";
    place = p;
    const old = heard.get(p) ?? answerOf(p);
    heard.set(p, { seconds: old?.seconds ?? 0, replays: old ? old.replays + 1 : 0 });
    sound.load(p);
    draw();
  };
  const leave = (when) => {
    if (began !== null) heard.get(place).seconds += (when - began) / 1000;
    began = null;
    sound.stop();
  };
  const next = () => {
    timer = null;
    const p = open();
    if (p !== undefined) return enter(p);
    place = null;
    draw();
  };
  const answer = (label, when) => {
    const waits = place !== null && timer === null;
    if (!waits || (began === null && label !== null)) return; // nothing was heard yet
    leave(when);
    const { seconds, replays } = heard.get(place);
    const others = model.get("answers").filter((a) => a.clip !== place);
    const mine = { clip: place, label, seconds: seconds || null, replays };
    model.set("answers", [...others, mine].sort((a, b) => a.clip - b.clip));
    model.save_changes();
    timer = setTimeout(next, GAP_MS);
    draw();
  };
  const main = () => {
    if (place === null) {
      started = true;
      return next();
    }
    if (timer !== null) return;
    if (began !== null) heard.get(place).replays += 1;
    sound.again();
  };
  const back = (when) => {
    if (timer !== null) return enter(place); // the label that was just given
    if (!started && open() !== undefined) return;
    const p = place === null ? total - 1 : place - 1;
    if (p < 0) return;
    started = true;
    if (place !== null) leave(when);
    enter(p);
  };
  const skip = (when) => answer(null, when);

  // --- the page -----------------------------------------------------------------------------
  const root = make(el, "div", "kit-labeler");
  const focus = () => root.focus({ preventScroll: true });
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Label clips by ear");
  const head = make(root, "div", "kit-labeler-head");
  const title = make(head, "span");
  const caption = make(head, "span", "kit-labeler-caption");
  const bar = make(root, "progress");
  bar.max = total;
  bar.setAttribute("aria-label", "clips answered");
  const choices = make(root, "div", "kit-labeler-words");
  choices.setAttribute("role", "group");
  choices.setAttribute("aria-label", "Which word is it?");
  const longest = Math.max(...words.map((w) => w.length));
  choices.style.setProperty("--room", `${Math.max(64, 70 + 9 * (longest - 1))}px`);
  const picks = words.map((w, i) => button(choices, w, keys[i], (t) => answer(i, t), focus));
  const actions = make(root, "div", "kit-labeler-actions");
  const play = button(actions, "Start", "Space", main, focus);
  const before = button(actions, "Back one clip", "Backspace", back, focus);
  const pass = button(actions, "Cannot tell", skips[0], skip, focus);
  const hint = make(root, "p", "kit-labeler-hint");
  const news = make(root, "p", "kit-labeler-news");
  news.setAttribute("role", "status");

  const headline = () => {
    if (place !== null) return `Clip ${place + 1} of ${total}`;
    if (open() === undefined) return "Done";
    const answered = model.get("answers").length;
    if (answered) return `${answered} of ${total} clips answered`; // the page was loaded again
    return `${total} clips, one at a time: which word do you hear?`;
  };
  function draw() {
    const given = place === null ? undefined : answerOf(place)?.label;
    title.textContent = headline();
    caption.textContent = place === null ? "" : captions[place];
    bar.value = model.get("answers").length;
    picks.forEach((node, i) => {
      off(node, began === null);
      node.setAttribute("aria-pressed", String(given === i));
    });
    const name = place !== null ? "Play again" : model.get("answers").length ? "Go on" : "Start";
    const done = place === null && open() === undefined;
    write(play, name, "Space");
    play.className = place === null ? "kit-main" : "";
    if (done && document.activeElement === play) focus(); // what hides loses the keyboard
    play.hidden = hint.hidden = done;
    off(before, place === null ? !done : place === 0 && timer === null);
    off(pass, place === null);
    pass.setAttribute("aria-pressed", String(given === null));
    news.textContent = fault || (done ? closing(model.get("answers"), total) : "");
    attend();
  }
  function attend() {
    const listens = root.matches(":focus-within") && document.hasFocus();
    root.classList.toggle("kit-listens", listens);
    hint.classList.toggle("kit-loud", !listens);
    hint.textContent = listens
      ? "The keyboard answers here. Esc gives it back to the notebook."
      : "Click here, then use the keyboard.";
  }

  // --- the keyboard -------------------------------------------------------------------------
  const wordOf = (event) => {
    const digit = event.code.match(/^(?:Digit|Numpad)(\d)$/)?.[1]; // where digits need Shift
    const typed = [event.key, event.key.toLowerCase(), digit].find((k) => keys.includes(k));
    return typed === undefined ? -1 : keys.indexOf(typed);
  };
  const actionOf = (event) => {
    const word = wordOf(event);
    if (word >= 0) return (when) => answer(word, when);
    if (skips.includes(event.key) || skips.includes(event.key.toLowerCase())) return skip;
    // Shift+Enter would run the cell, and so begin anew: it is taken, and does nothing
    return event.shiftKey ? undefined : { " ": main, Enter: main, Backspace: back }[event.key];
  };
  root.onkeydown = (event) => {
    const foreign = event.ctrlKey || event.metaKey || event.altKey;
    if (foreign || event.key === "Tab" || /^F\d+$/.test(event.key)) return;
    if (event.key === "Escape") return root.parentElement.closest("[tabindex]")?.focus();
    event.stopPropagation(); // a notebook would delete, cut or run its cells
    const native = event.target !== root && [" ", "Enter"].includes(event.key);
    const act = actionOf(event);
    if (native || !act) return; // a button that has the focus is pressed
    event.preventDefault();
    if (!event.repeat) act(event.timeStamp); // a key held down counts once
  };
  root.onclick = (event) => {
    if (!event.target.closest("button")) focus();
  };
  for (const name of ["focusin", "focusout"]) root.addEventListener(name, () => setTimeout(attend));
  model.on("change:answers", draw);
  draw();
  return () => {
    clearTimeout(timer);
    sound.stop();
    model.off("change:answers", draw);
  };
}

export default { render };
