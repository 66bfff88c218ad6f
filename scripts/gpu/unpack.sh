# Sourced on the GPU machine, in the project's folder: unpacks .carry/ and puts
# deno on the PATH.
mkdir -p /tmp/moeno/bin /tmp/moeno/deno
[ -e /tmp/moeno/bin/deno ] || {
  xz -dc .carry/deno.xz >/tmp/moeno/bin/deno
  chmod +x /tmp/moeno/bin/deno
}
tar -C /tmp/moeno/deno -xJf .carry/npm.tar.xz
for file in .carry/*.deb; do dpkg -x "$file" /; done
ldconfig
export PATH="/tmp/moeno/bin:$PATH" DENO_DIR=/tmp/moeno/deno
export XDG_RUNTIME_DIR=/tmp DENO_WEBGPU_BACKEND=vulkan
if [ -e /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json ]; then
  export VK_DRIVER_FILES=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
fi
