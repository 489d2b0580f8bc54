/**
 * Calls of the C library that Node has not, on Linux, by the optional package koffi. Loaded when the first of them is
 * wanted, once for all who want one.
 */
import { createRequire } from 'node:module';
import { SO_ATTACH_FILTER, SOL_SOCKET } from './socket.ts';

/** Numbers are what the C functions return: -1 where `errno` says why. */
export interface Libc {
  socket(family: number, type: number): number;
  bind(fd: number, address: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): number;
  /** `program`: `struct sock_filter`, 8 bytes each. */
  attachFilter(fd: number, instructions: number, program: Uint8Array): number;
  interfaceIndex(name: string): number;
  close(fd: number): void;
  /** Name of the last error, its number where it has none. */
  errno(): string;
}

let loaded: Libc | undefined;

/** Throws what `failure` makes of the reason when there is no such library here. `wanted`: for what, as the text begins. */
export function libc(wanted: string, failure: (text: string, options?: ErrorOptions) => Error): Libc {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') {
    throw failure(`${wanted} is supported on Linux only, not on ${process.platform}`);
  }
  try {
    loaded = load();
    return loaded;
  } catch (cause) {
    const text = `${wanted} needs the package koffi, which could not be loaded; install it beside @routelet/bgp`;
    throw failure(text, { cause });
  }
}

function load(): Libc {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
  const library = koffi.load(null);
  const program = koffi.struct({ len: 'uint16_t', filter: koffi.pointer('uint8_t') });
  const socket = library.func('int socket(int, int, int)');
  const setsockopt = library.func('int setsockopt(int, int, int, const void *, uint32_t)');
  const attach = library.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(program), 'uint32_t']);
  const bind = library.func('int bind(int, const void *, uint32_t)');
  const interfaceIndex = library.func('unsigned int if_nametoindex(const char *)');
  const close = library.func('int close(int)');
  return {
    socket: (family, type) => Number(socket(family, type, 0)),
    bind: (fd, address) => Number(bind(fd, address, address.length)),
    setsockopt: (fd, level, option, value) => Number(setsockopt(fd, level, option, value, value.length)),
    attachFilter: (fd, len, filter) =>
      Number(attach(fd, SOL_SOCKET, SO_ATTACH_FILTER, { len, filter }, koffi.sizeof(program))),
    interfaceIndex: (name) => Number(interfaceIndex(name)),
    close: (fd) => void close(fd),
    errno() {
      const number = koffi.errno();
      return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
    },
  };
}
