"""Equal rewritings of gradients, each with a rounding of its own."""

from attnspec import rewrite
from attnspec.equations.backward import gru_gates

rewrite(
    gru_gates, "slopes_multiplied_out",
    says="the slopes of the gates as z − z² and 1 − z − (1 − z) h̃², which lose digits where they are small",
    lines={
        "d_a_h": "d_h_next * ((1 - z) - (1 - z) * h_tilde * h_tilde)",
        "d_a_r": "d_rh * h * (r - r * r)",
        "d_a_z": "d_h_next * (h - h_tilde) * (z - z * z)",
    },
)
