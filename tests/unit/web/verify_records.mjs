// Has the page's verifier check records outside a browser.
//
// Usage: node verify_records.mjs FOLDER JOBS.json; FOLDER holds the page's modules, as ES modules.
// A job is {proof, entry, key, index}, and `without`, what the browser lacks: "ed25519" or "subtle".
// Its answer is {verdict, steps: {name: verdict}, says: {name: sentence}, parts}.
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { pathToFileURL } from "node:url";

function browser({ without }) {
  if (without === "subtle") return {};
  if (without !== "ed25519") return webcrypto;
  const importKey = () => Promise.reject(new DOMException("unknown", "NotSupportedError"));
  return { subtle: { digest: (...given) => webcrypto.subtle.digest(...given), importKey } };
}

const [folder, file] = process.argv.slice(2);
const { verifyRecord } = await import(pathToFileURL(`${folder}/steps.js`));

const answers = [];
for (const job of JSON.parse(readFileSync(file, "utf8"))) {
  Object.defineProperty(globalThis, "crypto", { value: browser(job), configurable: true });
  const { steps, verdict, parts } = await verifyRecord({
    ...job,
    proof: Buffer.from(job.proof, "base64"),
    entry: Buffer.from(job.entry, "base64"),
  });
  const says = Object.fromEntries(steps.map((step) => [step.name, step.says]));
  answers.push({ verdict, parts, says, steps: Object.fromEntries(steps.map((step) => [step.name, step.verdict])) });
}
process.stdout.write(JSON.stringify(answers));
