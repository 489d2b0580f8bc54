/** Equal text for equal plain data: options and policy chains are compared by what is in them. */
export function contentOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}
