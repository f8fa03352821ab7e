import { after, before, describe, it } from 'node:test';
import { crash, describeTransport, get, honesty } from '@kombu/conformance';
import { Connection } from '@kombu/core';

describeTransport({
  name: 'memory',
  runner: { describe, it, beforeAll: before, afterAll: after },
  open: (broker, options) => new Connection(broker.url, options),
  broker: { start: async () => ({ url: 'memory://' }), stop: async () => {} },
  groups: [get, honesty, crash],
});
