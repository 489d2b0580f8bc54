/** Finds out whether the needs of a level are met, and says in one line what is missing and how to get it. */
import { existsSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { Need } from './table.ts';

export const projectRoot = resolve(import.meta.dirname, '../../..');

/** Folder of public BGP data; it is not part of the project. */
export function dataFolder(): string {
  return process.env['ROUTELET_DATA'] ?? resolve(projectRoot, '../shared/data');
}

export function onPath(command: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/lib/frr'];
  return folders.some((folder) => folder !== '' && existsSync(resolve(folder, command)));
}

/** Undefined when the need is met, else what is missing. */
export function unmet(need: Need): string | undefined {
  switch (need.kind) {
    case 'root':
      return process.getuid?.() === 0 ? undefined : 'needs root: sudo npm test';
    case 'data':
      return existsSync(dataFolder())
        ? undefined
        : `no BGP data at ${dataFolder()}; set ROUTELET_DATA to a folder that has it`;
    case 'command': {
      const missing = need.commands.filter((command) => !onPath(command));
      return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}; run 'lab/run setup' as root`;
    }
    case 'file':
      return existsSync(need.path) ? undefined : `${need.path} is missing: apt-get install ${need.package}`;
    case 'image':
      return onPath('dpkg') ? undefined : 'the image is made of Debian packages, and there is no dpkg command';
    case 'guest':
      return unmetByGuest();
    case 'gobgp':
      return onPath('go') ? undefined : 'GoBGP 4 is built with Go 1.26 or newer, and there is no go command';
    case 'kubernetes':
      return onPath('go')
        ? undefined
        : 'the Kubernetes binaries are built with Go 1.26 or newer, and there is no go command';
  }
}

function unmetByGuest(): string | undefined {
  if (process.arch !== 'x64')
    return `the emulated guest is an x86-64 machine, as this one has to be: it is ${process.arch}`;
  const missing = ['apt-get', 'dpkg'].filter((command) => !onPath(command));
  return missing.length === 0
    ? undefined
    : `the kernel of the emulated guest is a Debian package, and there is no ${missing.join(', ')} command`;
}
