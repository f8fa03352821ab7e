import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findServer, isUnavailable } from './find.js';
import { lastLine, run } from './run.js';
import { which } from './which.js';

/** @type {typeof import('./types.d.ts').makeCertificates} */
export async function makeCertificates(folder) {
  const found = await findServer({
    name: 'openssl',
    look: () => which(['openssl']),
    packages: ['openssl'],
    docker: false,
  });
  if (isUnavailable(found)) return found;
  const program = found.origin === 'docker' ? 'openssl' : found.program;
  /** @param {string} name */
  const file = (name) => path.join(folder, name);
  /** @param {readonly string[]} args */
  const openssl = async (...args) => {
    const { code, stderr } = await run(program, args, { cwd: folder });
    if (code !== 0) throw new Error(`openssl ${args[0]}: ${lastLine(stderr)}`);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  );
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  await writeFile(file('server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const sign = ['-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  await openssl('x509', ...sign, '-extfile', 'server.ext', '-out', 'server.pem');
  return { caFile: file('ca.pem'), certFile: file('server.pem'), keyFile: file('server.key') };
}
