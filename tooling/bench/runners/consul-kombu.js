// @kombu/core over Consul, its calls counted.
import { countCalls } from './consul-calls.js';
import { kombuAdapter } from './kombu-adapter.js';
import { run } from './scenarios.js';

await run({ ...kombuAdapter(), calls: countCalls() });
