/** @type {typeof import('./types.d.ts').goldenPublished} */
export const goldenPublished = [
  ['json_obj', { name: '/tmp/lolcat1.avi', size: 1301013, ø: '☃' }, {}],
  ['text', 'hello ☃', {}],
  ['bytes', Buffer.from([0, 1, 255]), {}],
  ['raw_ct', Buffer.from('\x89PNG', 'latin1'), { contentType: 'image/png', contentEncoding: 'binary' }],
  ...[0, 1, 3, 5, 6, 9].map((p) => /** @type {[string, object, object]} */ ([`prio_${p}`, { p }, { priority: p }])),
  [
    'props',
    { a: 1 },
    {
      headers: { h: 'v', n: 1 },
      replyTo: 'rq',
      correlationId: 'cid',
      messageId: 'mid',
      timestamp: 1478221323000,
      appId: 'app',
      type: 't',
      userId: 'u',
      properties: { clusterId: 'cl' },
      deliveryMode: 1,
      expirationMs: 30_000,
    },
  ],
];

/** @type {typeof import('./types.d.ts').goldenPayloads} */
export const goldenPayloads = {
  ...Object.fromEntries(goldenPublished.map(([name, body]) => [name, body])),
  yaml: { a: 1, b: [1, 2] },
};

/** @type {typeof import('./types.d.ts').goldenEnvelope} */
export function goldenEnvelope(text) {
  const envelope = JSON.parse(text);
  envelope.properties.delivery_tag = 'tag';
  // Ours: the moment that the message expires at.
  delete envelope.properties.expires_at_ms;
  if (envelope['content-type'] === 'application/json' && envelope.headers.compression === undefined) {
    envelope.body = JSON.parse(Buffer.from(envelope.body, 'base64').toString());
  }
  return envelope;
}
