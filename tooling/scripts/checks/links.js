import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, publicPackages, ROOT, shown } from '../lib/repository.js';

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const CODE = /```[\s\S]*?```|`[^`\n]*`/g;

/** Every relative link of a page leads to a file or folder that exists. */
export async function links() {
  const pages = [
    path.join(ROOT, 'README.md'),
    ...publicPackages().map(({ folder }) => path.join(folder, 'README.md')),
    ...filesBelow(path.join(ROOT, 'docs'), '.md'),
  ];
  return pages
    .filter(existsSync)
    .flatMap((page) =>
      deadLinks(page, readFileSync(page, 'utf8')).map((link) => `${shown(page)}: ${link} leads nowhere`),
    );
}

/** The relative links of a page's text that lead nowhere. */
export function deadLinks(page, text) {
  return [...text.replace(CODE, '').matchAll(LINK)]
    .map((match) => match[1])
    .filter((link) => !/^([a-z]+:|#)/.test(link))
    .filter((link) => !existsSync(path.resolve(path.dirname(page), decodeURIComponent(link.split('#')[0]))));
}
