// The floor: JSON and Buffer both ways, through an array.
import { body } from './message.js';

const { messages, passes } = JSON.parse(process.argv.at(-1));

function pass() {
  const queue = [];
  let sum = 0;
  const started = performance.now();
  for (let i = 0; i < messages; i++) queue.push(Buffer.from(JSON.stringify(body(i))));
  for (const buffer of queue) sum += JSON.parse(buffer.toString()).args[0];
  const seconds = (performance.now() - started) / 1000;
  if (sum !== (messages * (messages - 1)) / 2) throw new Error(`a message is missing or doubled: ${sum}`);
  return seconds;
}

for (let i = 0; i < passes; i++) pass();
console.log(JSON.stringify({ messages, seconds: pass() }));
