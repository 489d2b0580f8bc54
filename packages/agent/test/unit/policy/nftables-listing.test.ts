import t from 'tap';
import { differences, readListing } from '../../../src/policy/nftables-listing.ts';

/** As nft 1.0.6 prints a table. */
const listing = `table ip kube-router-filter-ipv4 {
	set kube-router-local-pods {
		type ipv4_addr
		elements = { 10.0.0.2, 10.0.0.3,
			     10.0.0.4 }
	}

	map kube-router-pods {
		type ipv4_addr : verdict
		elements = { 10.0.0.3 : jump B, 10.0.0.2 : jump A }
	}

	chain A {
		jump KUBE-NWPLCY-COMMON
		ip saddr 10.0.0.2 counter jump P comment "x/y policy"
	}

	chain KUBE-ROUTER-INPUT {
		type filter hook input priority filter; policy accept;
		ip saddr vmap @kube-router-pods
	}
}
`;

t.test('blocks, in whatever order their elements are', (t) => {
  const { blocks, hooks } = readListing(listing);
  t.strictSame(
    [...blocks.keys()],
    ['set kube-router-local-pods', 'map kube-router-pods', 'chain A', 'chain KUBE-ROUTER-INPUT'],
  );
  t.strictSame([...hooks], ['chain KUBE-ROUTER-INPUT']);
  const moved = listing
    .replace('10.0.0.2, 10.0.0.3,\n\t\t\t     10.0.0.4', '10.0.0.4, 10.0.0.3, 10.0.0.2')
    .replace('\t\ttype filter hook input priority filter; policy accept;\n', '');
  t.strictSame(differences(blocks, readListing(moved).blocks), []);
  t.strictSame([...readListing(moved).hooks], []);
  t.end();
});

t.test('what differs is named', (t) => {
  const { blocks } = readListing(listing);
  const cases: [from: string, to: string, names: string[]][] = [
    ['10.0.0.4 }', '10.0.0.5 }', ['set kube-router-local-pods']],
    ['jump B', 'jump A', ['map kube-router-pods']],
    ['ip saddr 10.0.0.2 counter', 'ip saddr 10.0.0.9 counter', ['chain A']],
    ['\t\tjump KUBE-NWPLCY-COMMON\n', '', ['chain A']],
    ['chain A {', 'chain Z {', ['chain A', 'chain Z']],
    ['policy accept', 'policy drop', ['chain KUBE-ROUTER-INPUT']],
  ];
  for (const [from, to, names] of cases) {
    t.strictSame(differences(blocks, readListing(listing.replace(from, to)).blocks), names, to);
  }
  t.end();
});
