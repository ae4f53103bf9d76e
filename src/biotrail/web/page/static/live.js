// The live feed: records as the server sends them, newest on top.

const MOST = 200;
const QUIET = 1000; // milliseconds between two announcements to screen readers
const feed = document.getElementById("feed");
const body = document.getElementById("feed-rows");
const state = document.getElementById("feed-state");
const news = document.getElementById("feed-news");
const pause = document.getElementById("feed-pause");
const template = document.getElementById("feed-row");
let held = [];
let unsaid = 0;
let timer = null;

function tell(words, looks) {
  if (state.textContent === words) return;
  state.textContent = words;
  state.className = `badge ${looks}`;
}

function cell(row, label) {
  return row.querySelector(`[data-label="${label}"] > .cell`);
}

function copyOf(attribute, word) {
  return document.querySelector(`template[data-${attribute}="${CSS.escape(word)}"]`)?.content.cloneNode(true);
}

// What does not print is written as an escape, as the server does.
function visible(text) {
  return String(text ?? "").replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`);
}

function rowOf(record) {
  const row = template.content.firstElementChild.cloneNode(true);
  const { content, index, kind, recorded, payload } = record;
  const isEvent = kind === "event";
  const link = row.querySelector("a");
  link.href = `${document.body.dataset.root}/records/${index}`;
  link.textContent = index.toLocaleString("en");
  const time = row.querySelector("time");
  time.dateTime = recorded;
  time.textContent = `${recorded.slice(0, 10)} ${recorded.slice(11, 19)}`;
  row.querySelector("strong").textContent = isEvent ? visible(content.action) : kind;
  if (isEvent) {
    cell(row, "Target").textContent = visible(content.target);
    cell(row, "Outcome").append(copyOf("outcome", content.outcome) ?? content.outcome);
    const reason = document.createElement("span");
    reason.className = "dim";
    reason.textContent = visible(content.reason);
    cell(row, "Decision").append(`${content.decision} `, reason);
    cell(row, "Modality").textContent = visible(content.modality);
    cell(row, "Matcher").textContent = visible(content.comparison?.matcher);
    for (const word of new Set(Object.values(payload).map((one) => one.state))) {
      cell(row, "Personal").append(copyOf("state", word) ?? word, " ");
    }
  }
  return row;
}

function put(record) {
  if (body.querySelector(`a[href$="/records/${record.index}"]`)) return; // a reconnection's overlap
  body.prepend(rowOf(record));
  while (body.children.length > MOST) body.lastElementChild.remove();
  unsaid += 1;
  timer ??= setTimeout(announce, QUIET);
}

function announce() {
  timer = null;
  const newest = body.querySelector("strong")?.textContent ?? "";
  news.textContent = `${unsaid} new ${unsaid === 1 ? "record" : "records"}; the newest: ${newest}`;
  unsaid = 0;
}

function isPaused() {
  return pause.getAttribute("aria-pressed") === "true";
}

function toggle() {
  const paused = !isPaused();
  pause.setAttribute("aria-pressed", String(paused));
  if (!paused) held.splice(0).forEach(put);
  label();
}

function label() {
  pause.textContent = isPaused() ? `Resume (${held.length} waiting)` : "Pause";
}

function take(event) {
  const record = JSON.parse(event.data);
  if (isPaused()) {
    held = [...held, record].slice(-MOST);
    label();
  } else {
    put(record);
  }
}

if (feed) {
  const source = new EventSource(feed.dataset.stream);
  source.addEventListener("open", () => tell("Connected", "ok"));
  source.addEventListener("error", () => {
    const over = source.readyState === EventSource.CLOSED;
    tell(over ? "Ended: load the page again" : "Connection lost, trying again", over ? "bad" : "warn");
  });
  source.addEventListener("message", take);
  source.addEventListener("problem", () => {
    source.close();
    tell("Ended: load the page again", "bad");
  });
  pause.hidden = false;
  pause.addEventListener("click", toggle);
  window.addEventListener("pagehide", () => source.close());
}
