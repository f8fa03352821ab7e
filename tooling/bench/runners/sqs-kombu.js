// @kombu/core over SQS, its calls counted.
import { countCalls } from './http-calls.js';
import { kombuAdapter } from './kombu-adapter.js';
import { run } from './scenarios.js';

await run({ ...kombuAdapter(), calls: countCalls() });
