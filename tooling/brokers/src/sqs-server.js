// The process behind startSqs(): fauxqs, which speaks SQS and SNS, on 127.0.0.1, and around it what a test wants of a server: keys that
// it refuses, STS, counted calls, and faults on demand. Arguments: the port, and the access keys that are let in.
import { randomUUID } from 'node:crypto';
import { buildApp } from 'fauxqs';

const [port, ...keys] = process.argv.slice(2);
const allowed = new Set(keys);
/** @type {Record<string, number>} */
let calls = {};
/** @type {import('./types.d.ts').SqsFault[]} */
let faults = [];

// The store itself is not exported: with it queues have URLs of this address, not of a name that has to be resolved.
const { SqsStore } = await import(String(new URL('./sqs/sqsStore.js', import.meta.resolve('fauxqs'))));
const sqsStore = new SqsStore();
sqsStore.host = '';
const app = buildApp({ logger: false, stores: /** @type {any} */ ({ sqsStore }) });

/** @param {any} request */
function actionOf(request) {
  return request.headers['x-amz-target']?.split('.').at(-1) ?? request.body?.Action;
}

/** @param {any} request */
function keyOf(request) {
  return /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
}

/** @param {any} request @param {any} reply @param {{ code: string, message: string, status: number }} error */
function refuse(request, reply, { code, message, status }) {
  reply.code(status);
  if (request.headers['x-amz-target'] !== undefined) {
    reply.header('content-type', 'application/x-amz-json-1.0').header('x-amzn-query-error', `${code};Sender`);
    return reply.send(JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }));
  }
  reply.header('content-type', 'text/xml');
  return reply.send(
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
}

/** Temporary keys of a role, as STS gives them. @param {any} reply @param {any} body */
function assumeRole(reply, { RoleArn, DurationSeconds }) {
  const key = `ASIA${randomUUID().slice(0, 8)}`;
  allowed.add(key);
  const until = new Date(Date.now() + Number(DurationSeconds ?? 900) * 1000).toISOString();
  reply.header('content-type', 'text/xml');
  return reply.send(
    `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>` +
      `<Arn>${RoleArn}</Arn><AssumedRoleId>kombu</AssumedRoleId></AssumedRoleUser><Credentials>` +
      `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>` +
      `<Expiration>${until}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  );
}

app.addHook('preHandler', async (/** @type {any} */ request, /** @type {any} */ reply) => {
  const action = actionOf(request);
  if (action === undefined) return;
  calls[action] = (calls[action] ?? 0) + 1;
  if (!allowed.has(keyOf(request) ?? '')) {
    const code = request.headers['x-amz-target'] ? 'UnrecognizedClientException' : 'InvalidClientTokenId';
    return refuse(request, reply, {
      code,
      message: 'The security token included in the request is invalid.',
      status: 403,
    });
  }
  if (action === 'AssumeRole') return assumeRole(reply, request.body);
  // What a lease has run out of is ready again, whoever counts.
  sqsStore.processAllTimers();
  const at = faults.findIndex((fault) => fault.action === action && fault.times > 0);
  const fault = faults[at];
  if (fault === undefined) return;
  fault.times--;
  if (fault.times === 0) faults.splice(at, 1);
  if (fault.entries === undefined) return refuse(request, reply, { status: 400, ...fault });
  // Part of a batch fails: the server sees the rest only.
  const { code, message } = fault;
  const chosen = request.body.Entries.filter((/** @type {unknown} */ _, /** @type {number} */ i) =>
    fault.entries?.includes(i),
  );
  request.failed = chosen.map((/** @type {{ Id: string }} */ { Id }) => ({
    Id,
    SenderFault: fault.senderFault ?? false,
    Code: code,
    Message: message,
  }));
  request.body.Entries = request.body.Entries.filter((/** @type {unknown} */ one) => !chosen.includes(one));
  if (request.body.Entries.length === 0) return reply.send({ Successful: [], Failed: request.failed });
});

app.addHook(
  'preSerialization',
  async (/** @type {any} */ request, /** @type {any} */ _reply, /** @type {any} */ answer) =>
    request.failed === undefined || !Array.isArray(answer?.Failed)
      ? answer
      : { ...answer, Failed: [...answer.Failed, ...request.failed] },
);

app.get('/_test/calls', async () => calls);
app.delete('/_test/calls', async () => {
  calls = {};
  return {};
});
app.put('/_test/faults', async (/** @type {any} */ request) => {
  faults = JSON.parse(String(request.body));
  return {};
});

await app.listen({ port: Number(port), host: '127.0.0.1' });
