import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/**
 * One request on a connection of its own; resolves with whatever status.
 *
 * @param {{ host?: string | undefined, port: number, ca?: string | undefined }} address with `ca`: over TLS
 * @param {{ name: string, method: string, path: string, headers?: Record<string, string>, body?: string | undefined }} o `name`: who
 *   does not answer, where nothing comes within 5 s
 * @returns {Promise<{ readonly status: number | undefined, readonly text: string }>}
 */
export function askHttp({ host = '127.0.0.1', port, ca }, { name, method, path, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, method, ca, headers, agent: false, timeout: 5000 };
    const request = (ca === undefined ? httpRequest : httpsRequest)(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('timeout', () => request.destroy(new Error(`${name} does not answer`)));
    request.on('error', reject).end(body);
  });
}
