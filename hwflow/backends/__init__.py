"""From a plan to hardware descriptions."""
