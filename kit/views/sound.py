"""Sound in a notebook: a player with a name."""

import base64
import html
import io
import wave

from kit.views.html import Html


def sound(samples, rate=16_000, caption=""):
    """A player for int16[samples] at `rate` Hz; works wherever a browser shows the notebook."""
    from kit.audio.convert import to_int16

    pcm = samples if samples.dtype.name == "int16" else to_int16(samples)
    blob = io.BytesIO()
    with wave.open(blob, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    data = base64.b64encode(blob.getvalue()).decode()
    name = html.escape(caption or "a clip")
    player = f'<audio controls aria-label="{name}" src="data:audio/wav;base64,{data}"></audio>'
    text = f"{caption or 'a clip'}: {len(pcm) / rate:.2f} s at {rate} Hz"
    return Html(f"<figure><figcaption>{html.escape(text)}</figcaption>{player}</figure>", text)
