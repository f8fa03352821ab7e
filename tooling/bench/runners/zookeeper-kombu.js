// @kombu/core over ZooKeeper, its requests counted.
import { kombuAdapter } from './kombu-adapter.js';
import { run } from './scenarios.js';
import { countCalls } from './zookeeper-client.js';

await run({ ...kombuAdapter(), calls: countCalls() });
