/** A Markdown table. Cells are escaped. */
export function table(heads, rows) {
  const cell = (value) => String(value).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

const code = (text) => `\`${text}\``;

function shownValue(value) {
  if (value === undefined) return '-';
  if (typeof value === 'function') return 'a function';
  if (value === Number.POSITIVE_INFINITY) return 'no limit';
  return code(JSON.stringify(value)?.replaceAll('"', "'") ?? String(value));
}

/** The options of a transport: name, kind, default, what it does. */
export function optionsTable(transport) {
  const rows = Object.entries(transport.options).map(([name, spec]) => {
    const kinds = [spec.kind].flat().map((kind) => (kind === 'duration' ? 'ms' : kind));
    const kind = spec.oneOf
      ? spec.oneOf.map((one) => code(JSON.stringify(one).replaceAll('"', "'"))).join(' or ')
      : kinds.join(' or ');
    return [code(name), kind, shownValue(spec.default), spec.doc];
  });
  return table(['option', 'value', 'default', 'what it does'], rows);
}

const yes = (value) => (value ? 'yes' : 'no');
const soon = (ms) =>
  ms === 0 ? 'at once' : ms === Number.POSITIVE_INFINITY ? 'no: each declares its own' : `within ${ms} ms`;
const who = { broker: 'everybody at the broker', process: 'this process' };

/** What each capability is called in a README, and how its value reads. */
const CAPABILITIES = {
  exchangeTypes: ['exchange types', (v) => (v === 'any' ? 'any that the broker knows' : v.join(', '))],
  exchangeBindings: ['exchange-to-exchange bindings', yes],
  fanout: [
    'fanout reaches',
    (v) => ({ queues: 'every bound queue', subscribers: 'who is subscribed at that moment', none: 'nobody' })[v],
  ],
  delivery: [
    'a message is delivered',
    (v) => (v === 'exactly-once' ? 'once, and again only after a failure' : 'at least once, now and then twice'),
  ],
  order: ['order', (v) => ({ fifo: 'first in, first out', none: 'none' })[v]],
  priorities: ['priorities', (v) => (v === 0 ? 'none' : String(v))],
  messageTtl: ['expiry of a message', yes],
  queueTtl: ['expiry of all messages of a queue', yes],
  queueExpiry: ['expiry of an unused queue', yes],
  maxLength: ['length limits', yes],
  deadLetter: ['dead-letter exchanges', yes],
  mandatory: ['`mandatory`', yes],
  confirms: ["publish waits for the broker's confirmation", yes],
  scope: ['queues and messages are shared by', (v) => who[v]],
  topology: ['declarations are shared by', (v) => who[v]],
  presence: ['consumers are seen by', (v) => who[v]],
  lease: [
    'a reserved message is held by',
    (v) =>
      ({
        link: 'the link',
        message: 'a lease of its own, renewed while its process lives',
        session: "its process's session",
        server: "the server's timer, extended while its process lives",
        memory: 'its process',
      })[v],
  ],
  settleAfterReconnect: ['a delivery can be settled after a reconnect', yes],
  durable: ["messages outlive the broker's restart", yes],
  bindingsMaxAgeMs: ["a publish sees another process's binding", soon],
  maxBodyBytes: ['largest body', (v) => (v === undefined ? 'no limit of its own' : `${v} bytes`)],
  ttlGranularityMs: ['expiry is kept to', (v) => `${v} ms`],
  exclusiveConsumers: ['exclusive consumers', yes],
  consumerPriority: ['priorities of consumers', yes],
  noLocal: ['`noLocal`', yes],
};

/** The guarantees of one transport. */
export function capabilitiesTable(transport) {
  const rows = Object.entries(CAPABILITIES)
    .filter(([name]) => name in transport.capabilities)
    .map(([name, [title, show]]) => [title, show(transport.capabilities[name])]);
  return table(['', transport.name], rows);
}

/** The capabilities that no table would show: a new one needs a line in CAPABILITIES. */
export function unknownCapabilities(transport) {
  return Object.keys(transport.capabilities).filter((name) => !(name in CAPABILITIES));
}

const COMPARED = ['exchangeTypes', 'fanout', 'priorities', 'messageTtl', 'deadLetter', 'durable', 'lease'];

/** Transports beside each other. */
export function transportsTable(transports) {
  const heads = ['transport', 'URL', ...COMPARED.map((name) => CAPABILITIES[name][0])];
  const rows = transports.map(({ transport, link }) => [
    link,
    transport.schemes.map((scheme) => code(`${scheme}://`)).join(' '),
    ...COMPARED.map((name) => CAPABILITIES[name][1](transport.capabilities[name])),
  ]);
  return table(heads, rows);
}

/**
 * Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`; undefined where the text has no such place.
 */
export function replaceSection(text, name, content) {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from < 0 || to < from) return undefined;
  return `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`;
}
