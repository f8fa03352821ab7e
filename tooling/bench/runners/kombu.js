// @kombu/core over any broker.
import { kombuAdapter } from './kombu-adapter.js';
import { run } from './scenarios.js';

await run(kombuAdapter());
