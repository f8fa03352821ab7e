// @kombu/core over MongoDB, its commands counted.
import { kombuAdapter } from './kombu-adapter.js';
import { countCalls } from './mongodb-calls.js';
import { run } from './scenarios.js';

await run({ ...kombuAdapter(), calls: countCalls() });
