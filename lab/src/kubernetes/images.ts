/**
 * Images that the lab's pods run, made without a registry: the pause container (a static program of a few lines) and a
 * busybox with its links. The agent's own image comes from `deploy/image`.
 */
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImage } from '../../../deploy/image/archive.ts';
import { addFile } from '../../../deploy/image/rootfs.ts';
import { run } from '../process.ts';

/** What containerd starts to hold a pod's namespaces; the name is pinned in containerd's configuration. */
export const pauseImage = 'registry.k8s.io/pause:3.10';
export const busyboxImage = 'docker.io/library/busybox:lab';

const pauseSource = `
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0); }
int main(void) {
  signal(SIGINT, end); signal(SIGTERM, end); signal(SIGCHLD, reap);
  for (;;) pause();
}
`;

/** Writes both images as tars into a folder and returns their paths. Needs gcc with a static libc, and busybox-static. */
export async function buildLabImages(folder: string): Promise<readonly string[]> {
  const pause = join(folder, 'pause-root');
  await mkdir(pause, { recursive: true });
  await writeFile(join(folder, 'pause.c'), pauseSource);
  await run(['gcc', '-Os', '-static', '-o', join(pause, 'pause'), join(folder, 'pause.c')]);
  await writeImage({ root: pause, reference: pauseImage, entrypoint: ['/pause'] }, join(folder, 'pause.tar'));

  const busybox = join(folder, 'busybox-root');
  for (const name of ['bin', 'etc', 'tmp']) await mkdir(join(busybox, name), { recursive: true });
  await run(['cp', '/bin/busybox', join(busybox, 'bin/busybox')]);
  await run([join(busybox, 'bin/busybox'), '--install', '-s', join(busybox, 'bin')]);
  // `--install` links to the path it was called by; inside the image that is /bin/busybox.
  const relink = 'cd "$1" && for name in *; do [ "$name" = busybox ] || ln -sf busybox "$name"; done';
  await run(['sh', '-c', relink, 'links', join(busybox, 'bin')]);
  // Debian's static busybox crashes on its first name look-up, of an address too: wget is the real one.
  await rm(join(busybox, 'bin/wget'));
  for (const folder of ['usr/bin', 'usr/lib', 'usr/lib64']) await mkdir(join(busybox, folder), { recursive: true });
  for (const folder of ['lib', 'lib64']) await symlink(`usr/${folder}`, join(busybox, folder));
  addFile(busybox, '/usr/bin/wget');
  await writeImage({ root: busybox, reference: busyboxImage, entrypoint: [] }, join(folder, 'busybox.tar'));
  return [join(folder, 'pause.tar'), join(folder, 'busybox.tar')];
}
