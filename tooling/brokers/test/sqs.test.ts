import { describe, expect, it } from '@jest/globals';
import { startSqs } from '@kombu/brokers';

/** What these tests look at of an answer. */
interface Answer {
  readonly QueueUrl?: string;
  readonly QueueUrls?: readonly string[];
  readonly Successful?: readonly object[];
  readonly Failed?: readonly object[];
}

/** One call of SQS's JSON protocol. */
async function call(
  port: number,
  action: string,
  body: object,
  key = 'kombu',
): Promise<{ status: number; body: Answer }> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/sqs/aws4_request`,
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

describe('an SQS server', () => {
  it('starts, answers, counts its calls, refuses other keys and fails on demand', async () => {
    await using server = await startSqs({ accessKeys: ['other'] });
    const { port } = server;
    expect(server.url).toBe(`sqs://kombu:secret@127.0.0.1:${port}`);
    const made = await call(port, 'CreateQueue', { QueueName: 'q' });
    expect(made).toEqual({ status: 200, body: { QueueUrl: `http://127.0.0.1:${port}/000000000000/q` } });
    expect((await call(port, 'ListQueues', {}, 'other')).status).toBe(200);
    expect((await call(port, 'ListQueues', {}, 'nobody')).status).toBe(403);
    expect(await server.calls()).toEqual({ CreateQueue: 1, ListQueues: 2 });
    await server.resetCalls();
    expect(await server.calls()).toEqual({});

    const { QueueUrl } = made.body;
    const send = (): ReturnType<typeof call> =>
      call(port, 'SendMessageBatch', {
        QueueUrl,
        Entries: [0, 1].map((n) => ({ Id: String(n), MessageBody: `body ${n}` })),
      });
    await server.faults([
      { action: 'SendMessageBatch', times: 1, code: 'Odd', message: 'odd', entries: [1], senderFault: true },
      { action: 'SendMessageBatch', times: 1, code: 'ThrottlingException', message: 'slow down', status: 400 },
    ]);
    const { body: partly } = await send();
    expect(partly.Successful).toHaveLength(1);
    expect(partly.Failed).toEqual([{ Id: '1', SenderFault: true, Code: 'Odd', Message: 'odd' }]);
    expect(await send()).toEqual({
      status: 400,
      body: { __type: 'com.amazonaws.sqs#ThrottlingException', message: 'slow down' },
    });
    expect((await send()).body.Successful).toHaveLength(2);
  });

  it('forgets everything when it is started again', async () => {
    await using server = await startSqs();
    await call(server.port, 'CreateQueue', { QueueName: 'q' });
    await server.restart?.();
    expect((await call(server.port, 'ListQueues', {})).body.QueueUrls ?? []).toEqual([]);
    await server.kill?.();
    await expect(call(server.port, 'ListQueues', {})).rejects.toThrow();
  });
});
