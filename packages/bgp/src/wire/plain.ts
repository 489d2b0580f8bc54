/** Values as people read them: what JSON can hold, with addresses, bytes and code points already as text. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };
