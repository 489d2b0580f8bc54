import { openbgpd } from './daemons.ts';
import { runScenarios } from './session-scenarios.ts';

await runScenarios(openbgpd, {
  // OpenBGPD 7.7 takes a ROUTE-REFRESH but its decision engine does not answer, though bgpctl shows the family negotiated.
  refreshOutput: /route refresh: AID IPv4 unicast not negotiated/,
  // Its portable version never sets TCP_MD5SIG on its listening socket (seen by strace), so nobody can connect to it.
  without: ['MD5 active', 'MD5 active over IPv6'],
});
