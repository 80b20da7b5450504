# SPDX-License-Identifier: MIT
#
# The ELF file inside a Linux bzImage. Done on the host, so that nothing has to be unpacked while a machine boots.
# Offsets are those of the boot protocol's setup header (Documentation/arch/x86/boot.rst of Linux): 0x1f1 setup_sects,
# 0x202 'HdrS', 0x206 version, 0x248 payload_offset, 0x24c payload_length.
# Invariant: no more than LIMIT bytes ever come out, whatever the payload says.
import lzma
import shutil
import struct
import subprocess
import tempfile
import zlib

from packages import Problem

LIMIT = 512 << 20
SECTOR = 512
# The first version of the protocol with a payload_offset.
WITH_PAYLOAD = 0x208
# Linux's build appends the length of what is unpacked, except to gzip, which ends with it anyway.
SIZE_BYTES = 4


def payload(image):
    if len(image) < 0x250 or image[0x202:0x206] != b"HdrS":
        raise Problem("the kernel is no bzImage")
    if struct.unpack_from("<H", image, 0x206)[0] < WITH_PAYLOAD:
        raise Problem("the kernel's boot protocol is too old to tell where its payload is")
    setup_sectors = image[0x1f1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * SECTOR + offset
    if not length or start + length > len(image):
        raise Problem("the kernel ends before its payload does")
    return image[start:start + length]


def by_decoder(decoder, data):
    """For decoders of the standard library, which leave alone what follows the stream."""
    try:
        return decoder.decompress(data, LIMIT + 1)
    except (lzma.LZMAError, zlib.error) as error:
        raise Problem(f"the kernel's payload is broken: {error}") from error


def by_program(words, data):
    """For decoders that are programs."""
    if not shutil.which(words[0]):
        raise Problem(f"the kernel is packed with {words[0]}, which is not installed")
    with tempfile.TemporaryFile() as packed:
        packed.write(data[:-SIZE_BYTES])
        packed.seek(0)
        with subprocess.Popen(words, stdin=packed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            out = process.stdout.read(LIMIT + 1)
            process.kill()
    return out


# By the first bytes of the payload.
FORMATS = [
    (b"\x1f\x8b", lambda data: by_decoder(zlib.decompressobj(16 + zlib.MAX_WBITS), data)),
    (b"\x5d\0\0", lambda data: by_decoder(lzma.LZMADecompressor(lzma.FORMAT_ALONE), data)),
    (b"\xfd7zXZ\0", lambda data: by_decoder(lzma.LZMADecompressor(lzma.FORMAT_XZ), data)),
    (b"\x28\xb5\x2f\xfd", lambda data: by_program(["zstd", "-dcq", "--long=31"], data)),
    (b"\x02\x21\x4c\x18", lambda data: by_program(["lz4", "-dcq"], data)),
    (b"\x7fELF", lambda data: data),
]


def unpack(image):
    data = payload(image)
    for magic, decode in FORMATS:
        if data.startswith(magic):
            kernel = decode(data)
            break
    else:
        raise Problem(f"the kernel is packed in a way that is not known here (its payload starts {data[:4].hex()})")
    if len(kernel) > LIMIT:
        raise Problem(f"the kernel unpacks to more than {LIMIT >> 20} MiB")
    if not kernel.startswith(b"\x7fELF"):
        raise Problem("the kernel's payload is no ELF file")
    return kernel
