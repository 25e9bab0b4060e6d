// Check a kernel against vectors of attnspec: node check.js FOLDER ./kernel.js
"use strict";
const fs = require("fs");
const path = require("path");

const [folder, file] = process.argv.slice(2);
if (!file) {
  console.error("usage: node check.js FOLDER KERNEL.js");
  process.exit(2);
}
const kernel = require(path.resolve(file));
const place = path.join(folder, "vectors.json");
let vectors;
try {
  vectors = JSON.parse(fs.readFileSync(place, "utf8"));
} catch (error) {
  console.error(`cannot read ${place}: ${error.message}`);
  process.exit(2);
}
const numbers = (data) => data.map(Number); // "NaN" and "Infinity" are texts in JSON

const answers = {};
let wrong = 0;
let count = 0;
for (const { id, inputs, options, outputs } of vectors.cases ?? []) {
  const arrays = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: numbers(data) }]),
  );
  const results = kernel(arrays, options); // {name: flat array}
  answers[id] = {};
  for (const [name, { data, bounds }] of Object.entries(outputs)) {
    count++;
    const [got, expected] = [Array.from(results[name] ?? []), numbers(data)];
    const bound = numbers(bounds[vectors.policy]);
    answers[id][name] = { got, bound };
    if (got.length !== expected.length) {
      console.log(`wrong: case ${id}, ${name} has ${got.length} elements, expected ${expected.length}`);
      wrong++;
      continue;
    }
    const at = got.findIndex((value, i) => !(Math.abs(value - expected[i]) <= bound[i]));
    if (at >= 0) {
      console.log(`wrong: case ${id}, ${name}[${at}] = ${got[at]}, expected ${expected[at]} ± ${bound[at]}`);
      wrong++;
    }
  }
}
if (!count) {
  console.error(`no case in ${place}`);
  process.exit(2);
}
for (const { says, links, witnesses } of wrong ? vectors.mistakes : []) {
  const agrees = witnesses.every(({ case: id, output, index, value }) => {
    const { got, bound } = answers[id][output];
    const both = Number.isNaN(got[index]) && Number.isNaN(Number(value));
    return both || Math.abs(got[index] - Number(value)) <= 8 * bound[index];
  });
  if (agrees) console.log(`this is the mistake: ${[says, ...links].join(" ")}`);
}
console.log(`${wrong ? "differs" : "conforms"}: ${count - wrong} of ${count} outputs are right`);
process.exit(wrong ? 1 : 0);
