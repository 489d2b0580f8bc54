#!/bin/busybox sh
# First program of the guest, in its initramfs: mounts the host's root read-only with a layer of memory on top, and
# goes on there with guest.sh. A step that fails ends the guest, which ends the emulator.
/bin/busybox --install -s /bin
export PATH=/bin
die() { echo "routelet guest failed: $*"; poweroff -f; }

mount -t proc proc /proc
while read -r module; do insmod "$module" || die "cannot load $module"; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host || die 'cannot mount the root of the host'
mount -t tmpfs -o size=75% memory /memory || die 'cannot mount a tmpfs'
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root || die 'cannot mount the overlay'
mount -t tmpfs run /root/run
cp /guest.sh /root/run/guest.sh
umount /proc
exec switch_root /root /bin/sh /run/guest.sh
