import type { Group } from './case.js';
import { abort } from './groups/abort.js';
import { body } from './groups/body.js';
import { close } from './groups/close.js';
import { codec } from './groups/codec.js';
import { concurrency } from './groups/concurrency.js';
import { connect } from './groups/connect.js';
import { crash } from './groups/crash.js';
import { declareGroup } from './groups/declare.js';
import { expiry } from './groups/expiry.js';
import { get } from './groups/get.js';
import { honesty } from './groups/honesty.js';
import { leaks } from './groups/leaks.js';
import { lease } from './groups/lease.js';
import { lifetime } from './groups/lifetime.js';
import { limits } from './groups/limits.js';
import { names } from './groups/names.js';
import { order } from './groups/order.js';
import { prefetch } from './groups/prefetch.js';
import { priority } from './groups/priority.js';
import { publishConsume } from './groups/publish-consume.js';
import { reconnect } from './groups/reconnect.js';
import { routingDirect } from './groups/routing-direct.js';
import { routingFanout } from './groups/routing-fanout.js';
import { routingHeaders } from './groups/routing-headers.js';
import { routingTopic } from './groups/routing-topic.js';
import { settle } from './groups/settle.js';

/** What every variant runs again: the groups in which a message's way is all that matters. */
export const coreGroups: readonly Group[] = [
  publishConsume,
  get,
  routingDirect,
  routingTopic,
  routingFanout,
  settle,
  prefetch,
  body,
  order,
  concurrency,
  close,
];

/** Every group, in the order in which failures are easiest to understand. */
export const allGroups: readonly Group[] = [
  connect,
  honesty,
  declareGroup,
  lifetime,
  names,
  publishConsume,
  get,
  routingDirect,
  routingTopic,
  routingFanout,
  routingHeaders,
  settle,
  prefetch,
  priority,
  expiry,
  limits,
  body,
  codec,
  order,
  concurrency,
  close,
  abort,
  lease,
  leaks,
  crash,
  reconnect,
];
