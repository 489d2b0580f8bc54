/**
 * MRT routing information (RFC 6396, RFC 8050), as RouteViews, RIPE RIS and most BGP daemons write it: a stream of bytes
 * in, records out. Pure; files and decompression are for the caller.
 */

export { MrtError, type MrtErrorCode } from './errors.ts';
export { bgp4mpSubtype, bgpState, mrtType, tableDumpV2Subtype } from './iana.ts';
export type * from './model.ts';
export { plainRecord } from './plain.ts';
export { type MrtOptions, MrtReader, readMrt } from './reader.ts';
export { recordLines } from './record-lines.ts';
