# Sourced after settings.sh: the kinds of crashes, and the kernels they need.

cores='small cleared la57 numa rt kernel-6.12 poison medium large'

# kind NAME: sets kernel, debug and options (those of crash-kernel.sh)
kind() {
    local small='vm.huge=4 vm.files=2 vm.workload=noise=1,anon=6,zero=2,thp=4,hugetlb=4,pipe=2,pt=1'
    local brief='vm.huge=4 vm.files=16 vm.workload=anon=24,zero=8,thp=16,hugetlb=8,pipe=12,pt=2,mix=48'
    local modest='vm.huge=12 vm.files=32 vm.workload=anon=48,zero=16,thp=32,hugetlb=16,pipe=16,pt=4,mix=96'
    local medium='vm.huge=64 vm.files=128 vm.workload=anon=192,zero=64,thp=192,hugetlb=64,pipe=64,pt=16,mix=320'
    local large='vm.huge=96 vm.files=256 vm.workload=anon=256,zero=64,thp=256,hugetlb=128,pipe=64,pt=16,mix=5120'
    kernel=cloud-6.1 debug= arch=x86_64
    case $1 in
        small)  debug=1 options=(mem=256 smp=1 crashkernel=80M "guest=vm.noise=1 vm.scrub=1 $small" append=init_on_free=1) ;;
        cleared) options=(mem=256 smp=1 crashkernel=80M "guest=vm.clearlog=1 vm.noise=1 vm.scrub=1 $small" append=init_on_free=1) ;;
        brief)  debug=1 options=(mem=512 crashkernel=192M "guest=$brief" append=loglevel=7) ;;
        classic) options=(mem=768 "guest=vm.kexec=classic $modest") ;;
        nokaslr) options=(mem=768 "guest=$modest" append=nokaslr) ;;
        la57)   options=(mem=768 la57=1 "guest=$modest") ;;
        numa)   options=(mem=1024 nodes=2 dimm=512 balloon=128 "guest=vm.offline=2 $modest") ;;
        rt)     kernel=rt-6.1 options=(mem=768 "guest=$modest") ;;
        full)   kernel=full-6.1 options=(mem=1024 "guest=$modest") ;;
        poison) kernel=full-6.1 options=(mem=1024 "guest=$modest,poison=16,tailpoison=4") ;;
        kernel-6.12) kernel=cloud-6.12 options=(mem=768 "guest=$modest") ;;
        full-6.12) kernel=full-6.12 options=(mem=1024 "guest=$modest") ;;
        rt-6.12) kernel=rt-6.12 options=(mem=1024 "guest=$modest") ;;
        medium) options=(mem=2048 "guest=$medium") ;;
        large)  options=(mem=8192 "guest=$large") ;;
        qemu)   options=(mem=128 smp=1 crashkernel=0M dumps=1 "guest=vm.kexec=none vm.noise=1 vm.scrub=1 vm.workload=noise=1,anon=6,zero=2,pipe=2,pt=1" "append=init_on_free=1 panic=0") ;;
        s390x)  kernel=s390x-6.1 arch=s390x
            options=(arch=s390x mem=768 "guest=vm.kexec=classic vm.files=8 vm.workload=anon=24,zero=8,pipe=8,mix=48"
                append=loglevel=7) ;;
        fragmented) options=(mem=3072 "guest=vm.files=32 vm.workload=sparse=2304") ;;
        *)      die "no kind '$1'" ;;
    esac
}

# make_kernel: fetches or builds $kernel, with its initramfs; sets kernel_dir
make_kernel() {
    case $arch in
        x86_64) kernel_dir=$("$here/fetch-kernel.sh" ${debug:+--debug} "$kernel") || return 1 ;;
        s390x)
            "$here/fetch-s390x.sh" guest && kernel_dir=$("$here/s390x/build-kernel.sh") || return 1 ;;
    esac
    [ "$kernel_dir/initrd.img" -nt "$here/guest/init" ] && [ "$kernel_dir/initrd.img" -nt "$here/guest/workload.c" ] ||
        "$(scripts_of "$arch")/make-initramfs.sh" "$kernel_dir"
}

# scripts_of ARCH: where its make-initramfs.sh and make-payload.sh are
scripts_of() { [ "$1" = x86_64 ] && echo "$here" || echo "$here/$1"; }
