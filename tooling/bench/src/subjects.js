/** What is measured: `@kombu/core` with the transport of the URL, through the public API alone. */
export const KOMBU = { name: '@kombu/core', runner: 'kombu.js' };

/** Python Kombu, where a Python that has it is found. Slow enough that a tenth of the messages tells its rate. */
export const PYTHON = { name: 'Python Kombu', runner: 'python_kombu.py', needs: 'python-kombu' };

/** A subject or reference with settings of its own, and under another name if one is given. */
export const withSettings = (who, settings, name = who.name) => ({
  ...who,
  name,
  settings: { ...who.settings, ...settings },
});
