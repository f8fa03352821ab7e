/**
 * What is measured against what, and the ratio that is to be reached. A target that is missed stays here and is shown as
 * missed; it is never loosened.
 */
export const COMPARISONS = [
  {
    transport: 'memory',
    what: 'publish + consume + ack',
    settings: { messages: 20_000 },
    subject: { name: '@kombu/core', runner: 'memory-kombu.js' },
    reference: { name: 'bare JSON + Buffer loop', runner: 'memory-bare.js' },
    target: 0.4,
  },
  {
    transport: 'memory',
    what: 'publish + consume + ack',
    settings: { messages: 20_000 },
    subject: { name: '@kombu/core', runner: 'memory-kombu.js' },
    reference: { name: 'Python Kombu', runner: 'memory_python.py', needs: 'python-kombu' },
    target: 5,
    goal: 10,
  },
];
