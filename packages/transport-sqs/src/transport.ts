import type { Transport } from '@kombu/core';
import { defineVirtualTransport, type VirtualOptions } from '@kombu/core/virtual';
import { open } from './open.js';
import { type SqsOptions, sqsOptionSpecs } from './options.js';
import { MOST_BODY_BYTES } from './put.js';

const virtual: Transport<SqsOptions & VirtualOptions> = defineVirtualTransport<SqsOptions>({
  name: 'sqs',
  schemes: ['sqs'],
  driverName: '@aws-sdk/client-sqs',
  options: sqsOptionSpecs,
  capabilities: {
    fanout: 'queues',
    priorities: 0,
    order: 'none',
    scope: 'broker',
    topology: 'process',
    presence: 'process',
    lease: 'server',
    durable: true,
    delivery: 'at-least-once',
    maxLength: false,
    maxBodyBytes: MOST_BODY_BYTES.twice,
  },
  brokerKey: ({ hostname, port, userid, options: { endpoint, region, queueNamePrefix } }) =>
    JSON.stringify([hostname, port, userid, endpoint, region, queueNamePrefix]),
  open,
});

/**
 * Amazon SQS: `sqs://` with the SDK's own credentials, `sqs://key:secret@`, or `sqs://key:secret@host:port` for another service
 * that speaks SQS. Python Kombu's queues and messages.
 */
export const sqs: Transport<SqsOptions & VirtualOptions> = {
  ...virtual,
  async connect(target, context) {
    const { leaseMs, visibilityTimeoutMs = leaseMs, base64Encoding = true } = target.options;
    const options = { ...target.options, ...(visibilityTimeoutMs !== undefined && { leaseMs: visibilityTimeoutMs }) };
    const connection = await virtual.connect({ ...target, options }, context);
    if (base64Encoding) return connection;
    const capabilities = { ...virtual.capabilities, maxBodyBytes: MOST_BODY_BYTES.once };
    return Object.assign(connection, { capabilities });
  },
};
