import { ack } from './ack.js';
import { bind, unbind } from './bindings.js';
import { dropExchange, loadExchange, saveExchange } from './exchanges.js';
import { extend } from './extend.js';
import { foreignExpired } from './foreign-expired.js';
import { foreignRestore } from './foreign-restore.js';
import { giveBack } from './give-back.js';
import { claim, join, leave, unclaim } from './presence.js';
import { put } from './put.js';
import { putBack } from './put-back.js';
import { putLimited } from './put-limited.js';
import { dropQueue, saveQueue, touchQueue } from './queue-records.js';
import { deleteQueue, expireQueues, purgeQueue } from './queues.js';
import { recover } from './recover.js';
import { reserve } from './reserve.js';
import { reserveExpired } from './reserve-expired.js';
import type { Script } from './script.js';
import { take } from './take.js';

/** Every script, to be loaded when a link is opened. */
export const scripts: readonly Script[] = [
  ack,
  bind,
  claim,
  deleteQueue,
  dropExchange,
  dropQueue,
  expireQueues,
  extend,
  foreignExpired,
  foreignRestore,
  giveBack,
  join,
  leave,
  loadExchange,
  purgeQueue,
  put,
  putBack,
  putLimited,
  recover,
  reserve,
  reserveExpired,
  saveExchange,
  saveQueue,
  take,
  touchQueue,
  unbind,
  unclaim,
];
