# Starts the kernel that a notebook would, and has it run a cell.
from jupyter_client import KernelManager

manager = KernelManager(kernel_name="python3")
manager.start_kernel()
try:
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=50)
    said = []

    def hear(message):
        if message["header"]["msg_type"] == "stream":
            said.append(message["content"]["text"])

    reply = client.execute_interactive("print('answer', 6 * 7)", timeout=50, output_hook=hear)
    print(reply["content"]["status"], "".join(said), end="")
    client.stop_channels()
finally:
    manager.shutdown_kernel(now=True)
