// Questions kept under a name in this browser: their addresses, in localStorage and nowhere else.

const KEPT = "biotrail-saved-questions";
const MOST = 50;
const panel = document.getElementById("saved");

function read() {
  try {
    const found = JSON.parse(window.localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => /^\?/.test(one?.query) && one.name) : [];
  } catch {
    return [];
  }
}

function write(questions) {
  try {
    window.localStorage.setItem(KEPT, JSON.stringify(questions.slice(0, MOST)));
  } catch {
    // the browser keeps nothing here: the address still is the question
  }
  show();
}

function made(name, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...inside);
  return element;
}

function item(question, questions) {
  const link = made("a", { href: `${document.body.dataset.root}/search${question.query}`, textContent: question.name });
  const drop = made("button", { type: "button", className: "plain", textContent: "Remove" });
  drop.setAttribute("aria-label", `Remove ${question.name}`);
  drop.addEventListener("click", () => write(questions.filter((one) => one !== question)));
  return made("li", {}, link, " ", drop);
}

function show() {
  const questions = read();
  list.replaceChildren(...questions.map((one) => item(one, questions)));
}

function keep(event) {
  event.preventDefault();
  const name = form.elements.name.value.trim();
  if (!name) return;
  const others = read().filter((one) => one.name !== name);
  write([{ name, query: window.location.search || "?" }, ...others]);
  form.reset();
}

const list = made("ul", { className: "saved" });
const label = made("label", { htmlFor: "saved-name", textContent: "Keep this question as" });
const name = made("input", { id: "saved-name", name: "name", maxLength: 60, required: true, autocomplete: "off" });
const form = made("form", { className: "inline" }, label, made("span", { className: "line" }, name, made("button", { textContent: "Keep" })));
form.addEventListener("submit", keep);

if (panel) {
  panel.append(list);
  if (panel.dataset.private === "no") panel.append(form);
  show();
}
