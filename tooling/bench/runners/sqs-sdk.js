// The raw SDK.
import { run } from './scenarios.js';
import { sdkAdapter } from './sqs-adapter.js';

await run(sdkAdapter());
