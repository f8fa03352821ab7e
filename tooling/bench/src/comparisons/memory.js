/** @type {import('../types.d.ts').TransportBench} */
export default {
  transport: 'memory',
  comparisons: [
    {
      what: 'publish + consume + ack',
      settings: { messages: 20_000, warmUp: 10 },
      subject: { name: '@kombu/core', runner: 'memory-kombu.js' },
      references: [
        { name: 'bare JSON + Buffer loop', runner: 'memory-bare.js', atLeast: 0.4 },
        { name: 'Python Kombu', runner: 'memory_python.py', needs: 'python-kombu', atLeast: 5 },
      ],
    },
  ],
};
