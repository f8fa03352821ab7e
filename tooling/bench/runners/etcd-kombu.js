// @kombu/core over etcd, its calls counted.
import { countCalls } from './etcd-calls.js';
import { kombuAdapter } from './kombu-adapter.js';
import { run } from './scenarios.js';

await run({ ...kombuAdapter(), calls: countCalls() });
