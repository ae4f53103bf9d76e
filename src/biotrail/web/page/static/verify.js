// The record page: has the record checked, and shows each step with its values and verdict.

import { verifyRecord } from "./steps.js";

const PINNED = "biotrail-verifier-key";
const WORDS = { ok: "Holds", failed: "Fails", unknown: "Cannot tell", skipped: "Not done" };
const section = document.getElementById("verify-record");
const form = section.querySelector("form");
const list = section.querySelector(".steps");
const line = section.querySelector(".verdict-line");
const said = section.querySelector(".said");

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function stored(change) {
  try {
    return change(window.localStorage) ?? "";
  } catch {
    return ""; // the browser keeps nothing here
  }
}

function shownStep(step) {
  const item = element("li", "", `step ${step.verdict}`);
  const head = element("h3");
  head.append(element("span", WORDS[step.verdict], "badge"), ` ${step.title}`);
  const values = element("dl", "", "rows");
  for (const [name, value] of step.values) {
    const row = element("div");
    const said = element("dd");
    said.append(element("code", value, "hash"));
    row.append(element("dt", name), said);
    values.append(row);
  }
  const details = element("details");
  details.open = step.verdict === "failed";
  details.append(element("summary", "Values"), values);
  item.append(head, element("p", step.says));
  if (step.values.length) item.append(details);
  item.dataset.step = step.name;
  return item;
}

async function bytesOf(what) {
  const root = document.body.dataset.root;
  const address = `${root}/records/${section.dataset.index}/${what}`;
  const response = await fetch(address, { headers: { Accept: "*/*" }, cache: "no-store" });
  if (!response.ok) throw new Error(`the server answered ${response.status} to ${what}`);
  return new Uint8Array(await response.arrayBuffer());
}

// The first of the keys that this server offers which the checkpoint's signature lines name.
function offered(proof) {
  const keys = form.elements.offered.value.split(" ");
  const text = new TextDecoder().decode(proof);
  return keys.find((key) => text.includes(`\n\u2014 ${key.split("+")[0]} ${idPrefix(key)}`)) ?? keys[0];
}

function idPrefix(key) {
  const id = key.split("+")[1] ?? "";
  const bytes = [0, 2, 4].map((at) => Number.parseInt(id.slice(at, at + 2), 16));
  return btoa(String.fromCharCode(...bytes)); // three bytes of the id are four letters
}

function conclude(verdict, pinned) {
  const good = pinned
    ? "This record is in the log of the key that you gave, as these bytes."
    : "This record fits the log that this server shows. Give the key that you know, to see whose log that is.";
  const says = {
    ok: good,
    failed: "This record does not check out. The first step that fails says where.",
    unknown: "Your browser cannot tell all of it: see the step that says so.",
  };
  line.textContent = says[verdict] ?? says.failed;
  line.className = `verdict-line notice ${{ ok: "ok", failed: "bad" }[verdict] ?? "warn"}`;
}

async function run(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  const pinned = form.elements.key.value.trim();
  button.disabled = true;
  line.textContent = "Under way";
  line.className = "verdict-line";
  list.replaceChildren();
  said.hidden = true;
  stored((kept) => (form.elements.keep.checked ? kept.setItem(PINNED, pinned) : kept.removeItem(PINNED)));
  try {
    const [proof, entry] = await Promise.all([bytesOf("proof"), bytesOf("entry")]);
    const index = Number(section.dataset.index);
    const given = { proof, entry, key: pinned || offered(proof), index };
    const { verdict, parts } = await verifyRecord(given, (step) => list.append(shownStep(step)));
    conclude(verdict, pinned !== "");
    if (parts) said.querySelector("pre").textContent = JSON.stringify(parts, null, 2);
    said.hidden = !parts || verdict === "failed";
  } catch (error) {
    line.textContent = `It could not be verified: ${error.message}.`;
    line.className = "verdict-line notice warn";
  } finally {
    button.disabled = false;
  }
}

const kept = stored((known) => known.getItem(PINNED));
form.elements.key.value = kept;
form.elements.keep.checked = kept !== "";
form.hidden = false;
form.addEventListener("submit", run);
