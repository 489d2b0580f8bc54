/**
 * Fills a folder with the programs an image needs, taken from the Debian packages installed on this machine: the files
 * of each package without its documentation, and the shared libraries that its programs ask for.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const LEFT_OUT = /^\/usr\/share\/(doc|man|locale|lintian|bash-completion|bug)(\/|$)/;
const ELF_MAGIC = '\x7fELF';

/** Makes the folders of a merged-/usr system: /bin, /sbin and /lib are links into /usr. */
export function makeSkeleton(root: string): void {
  for (const folder of [
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'usr/local/bin',
    'etc',
    'tmp',
    'run',
    'var',
    'proc',
    'sys',
    'dev',
    'opt',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  chmodSync(join(root, 'tmp'), 0o1777);
  symlinkSync('../run', join(root, 'var/run'));
}

/** Copies the files of a Debian package. Throws when it is not installed. */
export function addPackage(root: string, name: string): void {
  const { status, stdout } = spawnSync('dpkg', ['-L', name], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Debian package ${name} is not installed: apt-get install ${name}`);
  for (const path of stdout.split('\n')) {
    if (path === '' || LEFT_OUT.test(path) || !existsSync(path) || lstatSync(path).isDirectory()) continue;
    addFile(root, path);
  }
}

/** Copies one file of this machine to the same place in the image, links followed and kept, with the libraries it needs. */
export function addFile(root: string, path: string, as: string = path): void {
  const target = join(root, inUsr(as));
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  if (lstatSync(path).isSymbolicLink()) {
    const real = realpathSync(path);
    // A link through /etc/alternatives is this machine's choice; the image links straight to what was chosen.
    const link = readlinkSync(path);
    symlinkSync(link.startsWith('/etc/alternatives/') ? real : link, target);
    addFile(root, real);
    return;
  }
  cpSync(path, target);
  if (readFileSync(path).subarray(0, 4).toString('latin1') === ELF_MAGIC)
    for (const library of libraries(path)) addFile(root, library);
}

const inUsr = (path: string): string => path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/');

/** Absolute paths that the dynamic linker would load for a program; none for a static one. */
function libraries(path: string): string[] {
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' });
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, library]) =>
    library === undefined ? [] : [library],
  );
}
